package networkcmd

import (
	"errors"
	"fmt"
	"io"
	"net/netip"

	"muster/internal/cli/command"
	"muster/internal/network"
	"muster/internal/network/exposure"
	"muster/internal/network/facts"
	"muster/internal/network/space"
	"muster/internal/network/tell"

	"github.com/spf13/cobra"
)

func newMap() *cobra.Command {
	var dir, within, level string
	var out command.Output
	cmd := &cobra.Command{
		Use:   "map",
		Short: "List who can begin flows to whom, with protocols and ports",
		Long: `Pairs the interfaces with each other and with the internet. Large networks are mapped a VPC or subnet at a time.
With --level subnet or vpc the answer is what some interface of the one can send to some interface of the other.`,
		Args: command.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if err := out.Check(); err != nil {
				return err
			}
			switch network.Level(level) {
			case network.ByInterface, network.BySubnet, network.ByVPC:
			default:
				return command.Usage(fmt.Errorf("--level: %q is not interface, subnet or vpc", level))
			}
			s, err := snapshot(dir)
			if err != nil {
				return err
			}
			list, err := s.ConnectionsBy(network.Level(level), facts.ID(within))
			if err != nil {
				return err
			}
			return out.Write(cmd.OutOrStdout(), list, func(w io.Writer) error { return tell.Connections(w, list) })
		},
	}
	cmd.Flags().StringVar(&dir, "facts", "", "folder or file of describe answers (required)")
	cmd.Flags().StringVar(&level, "level", "interface", "what to list: interface, subnet or vpc")
	cmd.Flags().StringVar(&within, "within", "", "id of a VPC or subnet whose interfaces are mapped (default all)")
	out.Flag(cmd)
	return cmd
}

func newDiff() *cobra.Command {
	var out command.Output
	cmd := &cobra.Command{
		Use:   "diff OLD NEW",
		Short: "List what can be reached in one snapshot and not in another",
		Long: `OLD and NEW are folders or files of describe answers. All pairs of interfaces are compared, and the internet; in
networks that are too large for that, what is exposed to the edges of VPCs.

Exit codes:
  0  nothing changed
  1  the facts could not be read
  2  wrong usage
  3  something changed`,
		Args: command.Exactly(2, "two folders or files of describe answers: the old one and the new one"),
		RunE: func(cmd *cobra.Command, args []string) error {
			if err := out.Check(); err != nil {
				return err
			}
			changes, err := networkChanges(args[0], args[1])
			if err != nil {
				return err
			}
			if err := out.Write(cmd.OutOrStdout(), changes, func(w io.Writer) error { return tell.Changes(w, changes) }); err != nil {
				return err
			}
			if len(changes) > 0 {
				return command.Exit(exitOtherwise, fmt.Sprintf("%d differences", len(changes)))
			}
			return nil
		},
	}
	out.Flag(cmd)
	return cmd
}

func networkChanges(from, to string) ([]network.Change, error) {
	before, err := snapshot(from)
	if err != nil {
		return nil, err
	}
	after, err := snapshot(to)
	if err != nil {
		return nil, err
	}
	x, err := before.Connections("")
	if err == nil {
		var y []network.Connection
		if y, err = after.Connections(""); err == nil {
			return network.Compare(x, y), nil
		}
	}
	var many *network.TooManyError
	if !errors.As(err, &many) {
		return nil, err
	}
	return network.Compare(network.ExposureConnections(before.Exposures()), network.ExposureConnections(after.Exposures())), nil
}

func newExposure() *cobra.Command {
	var dir, failOn string
	var trusted []string
	var options exposure.Options
	var out command.Output
	cmd := &cobra.Command{
		Use:   "exposure",
		Short: "List what the internet and connected networks reach, as Inspector's network findings",
		Long: `Severities follow Inspector's table of ports, for the internet and for other open paths.

Exit codes:
  0  done
  1  the facts could not be read
  2  wrong usage
  3  a finding is of the --fail-on severity or worse`,
		Args: command.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if err := out.Check(); err != nil {
				return err
			}
			limit, err := command.FailOn(failOn)
			if err != nil {
				return err
			}
			if options.Trusted, err = blocks(trusted); err != nil {
				return err
			}
			s, err := snapshot(dir)
			if err != nil {
				return err
			}
			list := exposure.Findings(s, s.Exposures(), options)
			if err := out.Write(cmd.OutOrStdout(), list, func(w io.Writer) error { return tell.Findings(w, list) }); err != nil {
				return err
			}
			for _, f := range list {
				if limit != "" && f.Severity.Rank() >= limit.Rank() {
					return command.Exit(exitOtherwise, fmt.Sprintf("%s: %s is %s; --fail-on is %s", f.Interface, f.Title, f.Severity, limit))
				}
			}
			return nil
		},
	}
	flags := cmd.Flags()
	flags.StringVar(&dir, "facts", "", "folder or file of describe answers (required)")
	flags.BoolVar(&options.Coarse, "coarse", false, "one finding per run of open ports, as severe as its worst port")
	flags.BoolVar(&options.All, "all", false, "also interfaces that belong to no instance")
	flags.StringArrayVar(&trusted, "trusted", nil, "block whose addresses raise no finding alone (repeatable)")
	flags.StringVar(&failOn, "fail-on", "", "exit with 3 when a finding is this severe or worse")
	out.Flag(cmd)
	return cmd
}

// blocks reads CIDR blocks.
func blocks(texts []string) (space.Set, error) {
	var prefixes []netip.Prefix
	for _, text := range texts {
		p, err := netip.ParsePrefix(text)
		if err != nil {
			return space.Set{}, command.Usage(fmt.Errorf("--trusted: %q is no CIDR block", text))
		}
		prefixes = append(prefixes, p.Masked())
	}
	return space.Of(prefixes...), nil
}
