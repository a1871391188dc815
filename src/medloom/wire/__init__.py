"""The language that hub and agent speak: pure, no Django, no input or output, no clock.

Hub, agent, verifier and simulator all run this code.
"""
