from packaging_spike import sessions

sessions.declare(__file__)
