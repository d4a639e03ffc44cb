"""Families of coastal scenes: what the course teaches the base model."""
