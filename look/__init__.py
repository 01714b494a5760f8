"""A page to look at campaigns side by side: for a user, in a context, through a filter, while events come in.

It speaks the service's APIs through boto3 alone, so it shows campaigns of the engine and of Amazon Personalize alike.
"""
