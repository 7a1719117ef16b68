package up

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"strings"

	"muster/internal/config"
	"muster/internal/console"
	"muster/internal/emulate"
	"muster/internal/server"
)

// EmulateOptions say how to start an emulator.
type EmulateOptions struct {
	Config    config.Config
	Emulation emulate.Options
	// Temporary state goes when the emulator ends, which is said.
	Temporary bool
	// Out gets the banner.
	Out    io.Writer
	Logger *slog.Logger
}

// Emulate starts an emulator and serves until the context ends.
func Emulate(ctx context.Context, o EmulateOptions) error {
	m, err := server.NewEmulator(ctx, o.Config, o.Emulation, o.Logger)
	if err != nil {
		return err
	}
	o.Logger.Warn("EMULATOR: credentials are not checked, and anybody on this machine may empty everything",
		"address", m.URL(), "state", o.Config.Data, "permissions", o.Emulation.Permissions)
	_, err = io.WriteString(o.Out, banner(m.URL(), o))
	if err == nil {
		err = m.Run(ctx)
	}
	if errors.Is(err, context.Canceled) {
		err = nil
	}
	return errors.Join(err, m.Close())
}

// banner says what this is, and how to use it.
func banner(url string, o EmulateOptions) string {
	state := "in " + o.Config.Data
	if o.Temporary {
		state += ", removed at the end"
	}
	policies := "do not count (--emulate-permissions makes them)"
	if o.Emulation.Permissions {
		policies = "count for keys issued here, and for members of organizations"
	}
	return strings.Join([]string{
		"********************************************************************************",
		"*  muster EMULATOR: credentials are NOT CHECKED, and anybody on this machine   *",
		"*  may empty everything. For tests of automation only, never for real data.    *",
		"********************************************************************************",
		"",
		"listening at  " + url,
		"state         " + state,
		"policies      " + policies,
		"transitions   " + transitions(o.Config),
		"",
		"export AWS_ENDPOINT_URL=" + url,
		"export AWS_ACCESS_KEY_ID=111122223333 AWS_SECRET_ACCESS_KEY=any AWS_DEFAULT_REGION=us-east-1   # the account 111122223333",
		"curl -X POST " + url + emulate.ResetPath + "   # begin anew",
		"",
		"console       " + url + console.Prefix + "#ticket=" + string(emulate.DefaultAccount) + "   (the number is the account)",
		"", "",
	}, "\n")
}

func transitions(c config.Config) string {
	if c.Transition == 0 {
		return "complete by the next request"
	}
	return fmt.Sprintf("take %s", c.Transition)
}
