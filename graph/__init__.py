"""The run itself: the LangGraph orchestrator, the exploration tree, search, budget, executors, replay."""
