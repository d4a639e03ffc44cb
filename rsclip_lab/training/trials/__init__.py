"""Short trainings before the real one: which learning rate, and can it learn at all?"""
