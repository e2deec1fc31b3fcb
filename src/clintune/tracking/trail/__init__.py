"""The trail: what a store held before, kept by triggers whoever changes it and by whatever way."""
