// Command muster is Amazon Inspector for a whole organization, as software
// that anyone can run.
package main

import (
	"os"

	"muster/internal/cli"
)

func main() { os.Exit(cli.Main(os.Args[1:], os.Stdout, os.Stderr)) }
