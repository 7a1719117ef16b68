package cli

import (
	"errors"
	"fmt"
	"os"

	"muster/internal/config"
	"muster/internal/emulate"
	"muster/internal/up"

	"github.com/spf13/cobra"
)

// emulation are the flags of the emulator.
type emulation struct{ on, permissions bool }

func (e *emulation) flags(cmd *cobra.Command) {
	cmd.Flags().BoolVar(&e.on, "emulate", false, "stand in for AWS in tests of automation: NO AUTHENTICATION, loopback only, emptied by POST /_muster/reset")
	cmd.Flags().BoolVar(&e.permissions, "emulate-permissions", false, "with --emulate: policies count, for callers with keys issued here and for members of organizations")
}

// run starts the emulator. What is configured for real use does not carry over
// unasked: state lies in a temporary folder, transitions take no time, and no
// advisories are fetched, unless configuration says otherwise.
func (e *emulation) run(cmd *cobra.Command, src *source, flags func(*config.Config)) (err error) {
	defaults := config.Default()
	defaults.Transition = 0
	if defaults.Data, err = os.MkdirTemp("", "muster-emulator-"); err != nil {
		return err
	}
	temporary := defaults.Data
	defer func() { err = errors.Join(err, os.RemoveAll(temporary)) }()
	cfg, err := src.loadOver(defaults, flags)
	if !cfg.Local() {
		// Before the advice that an ordinary server would give.
		return fmt.Errorf("listen: %s is not a loopback address: the emulator takes everybody for who they say they are and serves this machine only", cfg.Listen)
	}
	if err != nil {
		return err
	}
	if cfg.Feeds == "" {
		cfg.FeedsInterval = 0
	}
	if err := emulate.Claim(cfg.Data); err != nil {
		return err
	}
	l, err := logger(cmd.ErrOrStderr(), cfg.LogLevel)
	if err != nil {
		return err
	}
	return up.Emulate(cmd.Context(), up.EmulateOptions{
		Config: cfg, Emulation: emulate.Options{Permissions: e.permissions}, Temporary: cfg.Data == temporary, Out: cmd.OutOrStdout(), Logger: l,
	})
}
