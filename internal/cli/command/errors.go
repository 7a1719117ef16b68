// Package command is what muster's commands have in common: wrong usage and
// exit codes, arguments, and the flags of those that call a server.
package command

import (
	"errors"
	"fmt"
	"io"
)

// usage marks an error of the command line itself.
type usage struct{ error }

// Usage makes an error of the command line itself of one.
func Usage(err error) error { return usage{err} }

// silent ends the process with a code and no message of its own.
type silent int

func (e silent) Error() string { return fmt.Sprintf("exit %d", int(e)) }

// Silent ends the process with a code when all there is to say has been said.
func Silent(code int) error { return silent(code) }

// exit ends the process with a code of its own.
type exit struct {
	code int
	text string
}

func (e exit) Error() string { return e.text }

// Exit ends the process with a code and a message.
func Exit(code int, text string) error { return exit{code, text} }

// Code prints what an error has to say and gives the process's exit code: 0
// for none, 2 for wrong usage, what Exit and Silent were given, else 1.
func Code(err error, stderr io.Writer) int {
	if err == nil {
		return 0
	}
	if s, ok := errors.AsType[silent](err); ok {
		return int(s)
	}
	fmt.Fprintf(stderr, "muster: %v\n", err)
	if e, ok := errors.AsType[exit](err); ok {
		return e.code
	}
	if WrongUsage(err) {
		fmt.Fprintln(stderr, "Run 'muster --help' for the commands.")
		return 2
	}
	return 1
}

// WrongUsage reports whether an error is of the command line itself.
func WrongUsage(err error) bool {
	_, ok := errors.AsType[usage](err)
	return ok
}
