package command

import (
	"errors"
	"fmt"
	"os"

	"muster/internal/agent/install"

	"github.com/spf13/cobra"
)

func newRotateKey() *cobra.Command {
	var f flags
	cmd := &cobra.Command{
		Use:   "rotate-key",
		Short: "Replace the host's key now",
		Long: `Replace the host's key at the server and in the state folder. An agent that runs
does so by itself, when its key is old or the server asks; this is for hosts
that report with "once".`,
		Args: noArguments,
		RunE: func(cmd *cobra.Command, _ []string) error {
			a, err := f.open(cmd.ErrOrStderr())
			if err != nil {
				return err
			}
			if err := errors.Join(a.RotateKey(cmd.Context()), a.Close()); err != nil {
				return err
			}
			_, err = fmt.Fprintf(cmd.OutOrStdout(), "%s has a new key.\n", a.Identity().HostID)
			return err
		},
	}
	f.register(cmd)
	return cmd
}

func newInstall() *cobra.Command {
	var t install.Target
	var show bool
	cmd := &cobra.Command{
		Use:   "install",
		Short: "Install this program as a service of systemd, or upgrade one that is installed",
		Long: `Copy this program to ` + install.Program + `, write the unit
` + install.Unit + ` and start it. Installing a newer
version over an older one is the upgrade: the state folder with key and identity
is not touched. Enrol before or after; the service waits for it.`,
		Example: "  muster-agent install\n  muster-agent install --print-unit",
		Args:    noArguments,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if show {
				_, err := fmt.Fprint(cmd.OutOrStdout(), install.Service(install.Program))
				return err
			}
			program, err := os.Executable()
			if err != nil {
				return err
			}
			t.Say = func(format string, args ...any) { _, _ = fmt.Fprintf(cmd.OutOrStdout(), format+"\n", args...) }
			return t.Install(cmd.Context(), program)
		},
	}
	cmd.Flags().BoolVar(&t.Start, "start", true, "start the service at once")
	cmd.Flags().BoolVar(&show, "print-unit", false, "write the unit to standard output instead")
	rootFlag(cmd, &t.Root)
	return cmd
}

func newUninstall() *cobra.Command {
	var t install.Target
	cmd := &cobra.Command{
		Use:   "uninstall",
		Short: "Stop and remove the service and the program; the state folder stays",
		Args:  noArguments,
		RunE:  func(cmd *cobra.Command, _ []string) error { return t.Uninstall(cmd.Context()) },
	}
	rootFlag(cmd, &t.Root)
	return cmd
}
