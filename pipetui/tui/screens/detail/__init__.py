"""The detail screens: pipelines, a pipe, a process, a finding. Names on them link to one another."""
