"""Turn Panther correlation rules into Sigma correlations with their tests. Pure, but for the writing of the files."""
