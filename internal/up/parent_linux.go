package up

import (
	"os/exec"
	"syscall"
)

// dieWithParent kills the child when this process is killed without warning, so
// that no agent is left behind that holds the state folder. Agents are made to
// be killed at any time.
func dieWithParent(cmd *exec.Cmd) {
	cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
}
