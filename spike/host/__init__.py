"""The Tauri host as a test bench: stage, package, run, read its window, judge the checklist.

``verify`` is the workflow; ``staging``, ``application`` and ``window`` touch the world;
``checklist`` is the pure part that turns journals into rows.
"""
