"""Items in, results out: the scheduler, the strategies, and the run a user holds."""
