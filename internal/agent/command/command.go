// Package command is muster-agent's command line.
package command

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"runtime"
	"runtime/debug"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"muster/internal/agent"
	"muster/internal/agentwire"
)

// Exit codes of muster-agent.
const (
	ExitOK = 0
	// ExitFailed: it did not work this time; trying again may.
	ExitFailed = 1
	// ExitUsage: the command line is wrong.
	ExitUsage = 2
	// ExitRefused: somebody must act first: enrol, or issue a new activation.
	ExitRefused = 3
)

const description = `muster-agent tells muster what is installed on this host.

It enrols once with an activation code, then watches the package databases
and reports a change within seconds. It reads the host, writes only its state
folder, and speaks only to the server it was enrolled at.

Exit codes: 0 done, 1 failed and may be tried again, 2 wrong command line,
3 refused: not enrolled, revoked, the activation was not accepted, or agent and
server are too far apart in age.`

// Execute runs the command line and returns the exit code.
func Execute(ctx context.Context, args []string, in io.Reader, out, errs io.Writer) int {
	root := &cobra.Command{
		Use: "muster-agent", Short: "Tell muster what is installed on this host", Long: description,
		Version: Version(), SilenceErrors: true, SilenceUsage: true,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	root.SetArgs(args)
	root.SetIn(in)
	root.SetOut(out)
	root.SetErr(errs)
	root.AddCommand(newEnroll(), newRun(), newOnce(), newRotateKey(), newInstall(), newUninstall())
	root.SetFlagErrorFunc(func(cmd *cobra.Command, err error) error { return usageError{cmd, err} })
	err := root.ExecuteContext(ctx)
	if err == nil {
		return ExitOK
	}
	_, _ = fmt.Fprintf(errs, "muster-agent: %v\n", err)
	return exitCode(err, errs)
}

// usageError is a mistake on the command line.
type usageError struct {
	cmd *cobra.Command
	err error
}

func (e usageError) Error() string { return e.err.Error() }

func exitCode(err error, errs io.Writer) int {
	if usage, ok := errors.AsType[usageError](err); ok {
		_, _ = fmt.Fprintf(errs, "See '%s --help'.\n", usage.cmd.CommandPath())
		return ExitUsage
	}
	if strings.HasPrefix(err.Error(), "unknown command") {
		return ExitUsage
	}
	if errors.Is(err, agent.ErrNotEnrolled) || errors.Is(err, agent.ErrOtherMachine) {
		return ExitRefused
	}
	if refused, ok := errors.AsType[*agent.RefusedError](err); ok {
		switch refused.Code {
		case agentwire.CodeActivation, agentwire.CodeRevoked, agentwire.CodeBadSignature, agentwire.CodeAgentTooOld, agentwire.CodeAgentTooNew:
			return ExitRefused
		}
	}
	return ExitFailed
}

// version is set by the linker: -X muster/internal/agent/command.version=v1.2.3.
var version string

// Version is the agent's version: the linker's, or what the Go toolchain
// recorded.
func Version() string {
	v := version
	if info, ok := debug.ReadBuildInfo(); ok && v == "" {
		v = info.Main.Version
	}
	return v[:min(len(v), agentwire.MaxAgentVersion)]
}

// noArguments is cobra.NoArgs as a usage error.
func noArguments(cmd *cobra.Command, args []string) error {
	if err := cobra.NoArgs(cmd, args); err != nil {
		return usageError{cmd, err}
	}
	return nil
}

func stateFlag(cmd *cobra.Command, dir *string) {
	cmd.Flags().StringVar(dir, "state", agent.DefaultStateDir, "folder that holds the host's identity and key")
}

func newEnroll() *cobra.Command {
	var e agent.Enrollment
	var caFile string
	cmd := &cobra.Command{
		Use:   "enroll --server URL --activation CODE",
		Short: "Give this host an identity in an account",
		Long: `Give this host an identity in the account and Region that the activation code
is bound to. The code can also be given in the environment variable
MUSTER_ACTIVATION, or with "--activation -" on standard input, where other
users of the host do not see it.

Trying again after a failure is safe.`,
		Example: "  muster-agent enroll --server https://muster.example.com --activation 5f0c… --label web-1",
		Args:    noArguments,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if e.Server == "" {
				return usageError{cmd, errors.New("--server is missing")}
			}
			if err := readSecrets(cmd, &e, caFile); err != nil {
				return err
			}
			e.Version = Version()
			id, err := agent.Enroll(cmd.Context(), e)
			if err != nil {
				return err
			}
			_, err = fmt.Fprintf(cmd.OutOrStdout(), "Enrolled as %s in account %s, Region %s. Start reporting with: muster-agent run\n",
				id.HostID, id.AccountID, id.Region)
			return err
		},
	}
	f := cmd.Flags()
	f.StringVar(&e.Server, "server", "", "address of muster, https://… (http only to this machine)")
	f.StringVar(&e.Activation, "activation", "", `activation code, or "-" to read it from standard input`)
	f.StringVar(&e.Label, "label", "", "what to call the host (default its host name)")
	f.StringVar(&caFile, "ca", "", "file of certificate authorities to believe instead of the system's, PEM")
	f.BoolVar(&e.Force, "force", false, "replace an identity that this host already has")
	stateFlag(cmd, &e.StateDir)
	rootFlag(cmd, &e.Root)
	return cmd
}

// readSecrets fills in what does not stand on the command line itself.
func readSecrets(cmd *cobra.Command, e *agent.Enrollment, caFile string) error {
	switch e.Activation {
	case "":
		e.Activation = os.Getenv("MUSTER_ACTIVATION")
	case "-":
		line, err := bufio.NewReader(io.LimitReader(cmd.InOrStdin(), 4096)).ReadString('\n')
		if err != nil && !errors.Is(err, io.EOF) {
			return fmt.Errorf("read activation code: %w", err)
		}
		e.Activation = strings.TrimSpace(line)
	}
	if e.Activation == "" {
		return usageError{cmd, errors.New("--activation is missing")}
	}
	if caFile != "" {
		pem, err := os.ReadFile(caFile)
		if err != nil {
			return fmt.Errorf("certificate authorities: %w", err)
		}
		e.CA = string(pem)
	}
	return nil
}

// flags of run and once.
type flags struct {
	cfg     agent.Config
	verbose bool
	// memory is the bound of run, in MiB.
	memory int64
}

func (f *flags) register(cmd *cobra.Command) {
	stateFlag(cmd, &f.cfg.StateDir)
	cmd.Flags().StringVar(&f.cfg.Server, "server", "", "address of the server this host is enrolled at, if it has moved")
	cmd.Flags().StringSliceVar(&f.cfg.Paths, "path", nil, "further folder to search for language packages, for example /opt (may be repeated)")
	cmd.Flags().BoolVarP(&f.verbose, "verbose", "v", false, "log every look")
	rootFlag(cmd, &f.cfg.Root)
}

// rootFlag lets tests look at a folder instead of the machine.
func rootFlag(cmd *cobra.Command, root *string) {
	cmd.Flags().StringVar(root, "root", "/", "folder taken for the machine's root")
	_ = cmd.Flags().MarkHidden("root") // the flag exists
}

func (f *flags) open(errs io.Writer) (*agent.Agent, error) {
	level := slog.LevelInfo
	if f.verbose {
		level = slog.LevelDebug
	}
	f.cfg.Log = slog.New(slog.NewTextHandler(errs, &slog.HandlerOptions{Level: level}))
	f.cfg.Version = Version()
	return agent.New(f.cfg)
}

func newRun() *cobra.Command {
	var f flags
	cmd := &cobra.Command{
		Use:   "run",
		Short: "Report what is installed, and every change, until stopped",
		Long: `Report what is installed now, then every change within seconds, and a sign of
life in between; the sockets that the host listens on, too. Only what changed is
sent. Failures are tried again with growing pauses; what could not be delivered
waits in the state folder, and the newest report takes the place of older ones.

It ends on SIGINT or SIGTERM, or with exit code 3 when the host was revoked.`,
		Example: "  muster-agent run --path /opt --path /srv",
		Args:    noArguments,
		RunE: func(cmd *cobra.Command, _ []string) error {
			a, err := f.open(cmd.ErrOrStderr())
			if err != nil {
				return err
			}
			if f.memory > 0 {
				debug.SetMemoryLimit(f.memory << 20)
			}
			runtime.GOMAXPROCS(1)
			return errors.Join(a.Run(cmd.Context()), a.Close())
		},
	}
	f.register(cmd)
	cmd.Flags().IntVar(&f.cfg.MaxCPU, "max-cpu", 50, "percent of one processor that a look may take (100 for all)")
	cmd.Flags().Int64Var(&f.memory, "max-memory", 128, "MiB of memory that the agent tries to stay below (0 for no bound)")
	cmd.Flags().DurationVar(&f.cfg.KeyAge, "key-age", 90*24*time.Hour, "age at which the host's key is replaced unasked (0 for never)")
	return cmd
}

func newOnce() *cobra.Command {
	var f flags
	var show bool
	cmd := &cobra.Command{
		Use:   "once",
		Short: "Report what is installed a single time",
		Long: `Look at what is installed, report it and end. With --print nothing is sent and
no identity is needed: the content of a report is written to standard output.`,
		Args: noArguments,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if show {
				return agent.Describe(cmd.Context(), cmd.OutOrStdout(), f.cfg.Root, f.cfg.Paths)
			}
			a, err := f.open(cmd.ErrOrStderr())
			if err != nil {
				return err
			}
			done, err := a.Once(cmd.Context())
			if err = errors.Join(err, a.Close()); err != nil {
				return err
			}
			_, err = fmt.Fprintf(cmd.OutOrStdout(), "Reported %d packages of %s.\n", done.Packages, a.Identity().HostID)
			return err
		},
	}
	f.register(cmd)
	cmd.Flags().BoolVar(&show, "print", false, "write the report to standard output instead of sending it")
	return cmd
}
