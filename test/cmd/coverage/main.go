// Command coverage prints docs/coverage.md: every operation of every service
// and whether muster implements it, read from the handlers themselves.
package main

import (
	"fmt"

	"muster/internal/awsmodel"
	"muster/internal/server"
)

func main() { fmt.Print(awsmodel.CoveragePage(server.Coverage())) }
