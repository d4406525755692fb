"""The top floor: the command, and the experiments that it runs. May import everything, and is imported by nothing."""
