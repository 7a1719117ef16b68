package up

import (
	"os/exec"
	"syscall"
)

// dieWithParent ends the child when this process is killed without warning,
// so that no agent is left behind.
func dieWithParent(cmd *exec.Cmd) {
	cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGTERM}
}
