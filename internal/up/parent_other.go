//go:build !linux

package up

import "os/exec"

// dieWithParent does nothing where the system has no such tie.
func dieWithParent(*exec.Cmd) {}
