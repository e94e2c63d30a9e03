"""Lists are read in a process of their own: the parent gets rows and sentences, and shares no fate with a reader.

`opening` is the parent's door; `helper`, `alone` and `child` run on the other side, and they alone
load what reads lists.
"""
