// Package networkcmd is the command "muster network": asking facts about networks,
// gathering them, and bringing them to a server.
package networkcmd

import (
	"errors"
	"fmt"
	"io"

	"muster/internal/cli/command"
	"muster/internal/network"
	"muster/internal/network/facts"
	"muster/internal/network/tell"

	"github.com/spf13/cobra"
)

// exitOtherwise is the exit code of network commands whose answer is not the
// one that the user expects.
const exitOtherwise = 3

// New returns the command.
func New() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "network",
		Short: "Ask what can be reached over the networks that describe answers tell of",
		Long: `Works on facts: EC2's and Elastic Load Balancing's own describe answers, as JSON. They are a folder with one file
per call in any layout (folders named after accounts and Regions say whose they are), or one file of many answers.
No packet is sent; only upload and the commands below collect need a server.`,
		Args: command.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	cmd.AddCommand(newWhy(), newMap(), newDiff(), newExposure(), newUpload(), newCollect())
	return cmd
}

// snapshot reads facts; the flag is required.
func snapshot(dir string) (*network.Snapshot, error) {
	if dir == "" {
		return nil, command.Usage(errors.New("--facts is required: a folder of describe answers, or one file of them"))
	}
	f, err := facts.Read(dir)
	if err != nil {
		return nil, err
	}
	return network.New(f), nil
}

func newWhy() *cobra.Command {
	var dir, protocol, expect string
	var out command.Output
	cmd := &cobra.Command{
		Use:   "why SOURCE DESTINATION[:PORT]",
		Short: "Say whether one thing reaches another, through what, decided by which rule, and what would change it",
		Long: `SOURCE and DESTINATION are an instance, interface, subnet, VPC, gateway, connection or load balancer by id or by
its name, an address (IPv6 with a port in brackets), a block, or "internet". At least one is an interface of the facts.

Without a port and a protocol the answer is yes when anything at all is open, and says what. With a port the
protocol is tcp unless --protocol says otherwise. icmp means an echo and its reply.

Exit codes:
  0  the question was answered, whatever the answer
  1  the facts could not be read, or have no such thing
  2  wrong usage
  3  with --expect: the answer is the other one`,
		Example: `  muster network why --facts facts internet i-0abc:22
  muster network why --facts facts.json 10.0.1.5 10.0.2.7:5432 --format json
  muster network why --facts facts internet db-subnet --expect closed`,
		Args: command.Exactly(2, "a source and a destination, for example: internet i-0abc:22"),
		RunE: func(cmd *cobra.Command, args []string) error {
			if err := out.Check(); err != nil {
				return err
			}
			if expect != "" && expect != "open" && expect != "closed" {
				return command.Usage(fmt.Errorf("--expect: %q is neither open nor closed", expect))
			}
			s, err := snapshot(dir)
			if err != nil {
				return err
			}
			return why(cmd.OutOrStdout(), s, args, protocol, expect, &out)
		},
	}
	flags := cmd.Flags()
	flags.StringVar(&dir, "facts", "", "folder or file of describe answers (required)")
	flags.StringVar(&protocol, "protocol", "", "tcp, udp, icmp, all or a number")
	flags.StringVar(&expect, "expect", "", "exit with 3 unless the answer is this: open or closed")
	out.Flag(cmd)
	return cmd
}

func why(w io.Writer, s *network.Snapshot, args []string, protocol, expect string, out *command.Output) error {
	q, err := s.ParseQuestion(args[0], args[1], protocol)
	if err != nil {
		var unknown *network.UnknownError
		if errors.As(err, &unknown) {
			return err
		}
		return command.Usage(err)
	}
	a, err := s.Why(q)
	if err != nil {
		return err
	}
	if err := out.Write(w, a, func(w io.Writer) error { return tell.Why(w, a) }); err != nil {
		return err
	}
	if expect == "open" && !a.Reachable || expect == "closed" && a.Reachable {
		return command.Exit(exitOtherwise, fmt.Sprintf("expected %s to be %s from %s", args[1], expect, args[0]))
	}
	return nil
}
