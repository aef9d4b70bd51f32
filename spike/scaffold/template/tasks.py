from packaging_spike import tasks

namespace = tasks.program(__file__)
