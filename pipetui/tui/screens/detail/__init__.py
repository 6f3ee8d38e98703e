"""The detail screens: pipelines, a pipe, a process, a finding. Names in them lead from one to the next."""
