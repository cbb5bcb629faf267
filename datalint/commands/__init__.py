"""What each word on the command line does: one module a verb, each with `run(arguments) -> exit code`."""
