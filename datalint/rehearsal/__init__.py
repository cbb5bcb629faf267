"""Parts of a rehearsal: what it finds, the slice that it is run on, the processes that run it."""
