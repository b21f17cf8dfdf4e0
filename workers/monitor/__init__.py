"""What a running bundle writes down of its requests, and what that tells: numpy only, copied into bundles.

Nothing is written unless it is asked for, and never an input itself: only in which twentieth of the evaluation data a
simple figure of it falls (how bright, how long, how sure), the class that was answered, how long it took, what failed.
"""
