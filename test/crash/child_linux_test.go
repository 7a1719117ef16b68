package crash

import (
	"os/exec"
	"syscall"
)

// dieWithTest ends a process with the test, should that be killed itself.
func dieWithTest(cmd *exec.Cmd) { cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL} }
