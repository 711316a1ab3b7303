"""Jobs: trainings of a study or a sweep, run in this process, in several of this machine, or on a cluster."""
