"""The importer for programs and notebooks: the functions of the commands, as coroutines."""
