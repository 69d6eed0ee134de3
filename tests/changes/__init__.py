"""Changes of SQL, each judged beforehand and then run on real Flink from the state of the job before the change."""
