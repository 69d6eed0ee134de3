"""The whole control plane over fake Flink clusters, in virtual time and in bad weather; one seed replays exactly."""
