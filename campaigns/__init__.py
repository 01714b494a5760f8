"""The campaigns of a deployed experiment: what they serve and cost, and how not to pay for them meanwhile."""
