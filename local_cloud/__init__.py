"""Runs the synthesized app on this machine: MiniStack with Personalize plugged in, and the real CDK command line."""
