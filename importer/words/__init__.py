"""Every sentence that people read, by code and language. Knows codes and values, nothing of what they are about.

A message is a code, the role of the cell that it blames, and values; nowhere else stands a sentence:

    Message("gtin_length", "gtin", {"value": shown, "n": 11})            a reject, a remark, a refusal (model.py)
    raise SourceError("list_empty", path=name)                           an error (errors.py)
    language("de").say(message)                                          sentence and tip
    language("de").sentence(message), .tip(message), .title(code)        one of them

To add a message, give it two entries in `en.po` and in `de.po`, its sentence and its tip (what the reader does now):

    msgid "gtin_length"                          msgctxt "tip"
    msgstr "GTIN {value} has {n} digits."            msgid "gtin_length"

`{name}` is a hole for a value. Whole numbers are grouped, all other values stand as they are, but for `{name:kind}`:

    role, Role     "gtin" → GTIN                     quoted      ["a", "b", 3] → "a", "b" and 3 more
    date           "2027-11-30" → 30 November 2027   listed      the same without quotation marks
    dates          … or …                            roles       ["gtin", "batch"] → GTIN and batch
    month          "2027-11" → November 2027         character   " " → SPACE
    either         runs, of which one it is          moment      a time of the ledger, as here; instant: in UTC
    sentence, tip  of a message within a message
    bytes, span    a size; seconds                   cause       a message within a message, without its full stop
    target         where a run goes
    outcome, …     any other kind is a `msgctxt`: what stands there under the value

A value that is a mapping with a `code` is a message within the message: its sentence stands under `msgctxt "part"`, or
is that of a message of its own. Where one code says different things, `values["case"]` picks the sentence: case `day`
of `expiry_impossible` is `msgid "expiry_impossible.day"`. An entry with `msgid_plural` (the same text as its msgid)
follows the value `n`. Other contexts: `title` names a problem by its code; `group` says what to do about all rows of
an outcome or code; `remark` is a sentence that needs no tip; `warning` and `warning_tip` are of rows that are sent;
`page tip` and `page remark` stand on the page in place of what a terminal says; `terminal` and `report` hold fixed
words, `count` what is counted.
"""
