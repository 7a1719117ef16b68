// Package sinks keeps where events go, and what each sink has yet to be told.
package sinks
