package cli

import (
	"fmt"
	"strings"
	"time"

	"github.com/spf13/cobra"
)

// tagList reads --tag KEY=VALUE flags; a key alone has an empty value.
func tagList(list []string) (map[string]string, error) {
	tags := map[string]string{}
	for _, text := range list {
		key, value, _ := strings.Cut(text, "=")
		if key == "" {
			return nil, usageError{fmt.Errorf("--tag: %q is not KEY=VALUE", text)}
		}
		tags[key] = value
	}
	return tags, nil
}

// simple is a command whose arguments become the members of one call.
func (r *remote) simple(use, short, operation string, members ...string) *cobra.Command {
	return &cobra.Command{Use: use, Short: short,
		Args: exactly(len(members), strings.Join(strings.Fields(use)[1:], " ")),
		RunE: func(cmd *cobra.Command, args []string) error {
			in := map[string]string{}
			for i, m := range members {
				in[m] = args[i]
			}
			return r.raw(cmd, operation, in)
		}}
}

// group is a command that only has others below it.
func group(use, short, long, example string) *cobra.Command {
	return &cobra.Command{Use: use, Short: short, Long: long, Example: example, Args: needCommand,
		RunE: func(cmd *cobra.Command, _ []string) error { return cmd.Help() }}
}

func newAgents() *cobra.Command {
	var r remote
	cmd := group("agents", "Let hosts enrol, look after them, and take their right to report",
		`Works on the hosts of the caller's account and Region. An activation is a code with which hosts enrol: bound to
account, Region, tags, a number of hosts and a time. A host that was revoked can report no more, and its findings
close as those of a terminated instance.`,
		`  muster agents activation create --hosts 50 --expires 2h --tag team=web
  muster agents list
  muster agents tag i-0123456789abcdef0 --tag InspectorEc2Exclusion
  muster agents revoke i-0123456789abcdef0`)
	r.flags(cmd)
	activation := group("activation", "Codes with which hosts enrol", "", "")
	activation.AddCommand(r.createActivation(),
		r.simple("list", "List the codes, without the codes themselves", "ListActivations"),
		r.simple("delete ID", "Delete a code; hosts that enrolled by it stay", "DeleteActivation", "activationId"))
	cmd.AddCommand(activation, r.tag("tag HOST", "TagHost", "hostId"), r.untag("untag HOST KEY…", "UntagHost", "hostId"),
		r.simple("list", "List the hosts", "ListHosts"),
		r.simple("show HOST", "Show a host with its kernel and the sockets it listens on", "GetHost", "hostId"),
		r.simple("revoke HOST", "Take a host's right to report", "RevokeHost", "hostId"),
		r.simple("rotate-key HOST", "Ask a host for another key", "RotateHostKey", "hostId"),
		r.state("stopped HOST", "Note that a host was stopped: its findings stay, it is not scanned", "STOPPED"),
		r.state("running HOST", "Note that a host was started again", "RUNNING"))
	return cmd
}

func (r *remote) createActivation() *cobra.Command {
	var hosts int
	var expires time.Duration
	var label, instance string
	var tags []string
	cmd := &cobra.Command{Use: "create", Short: "Make a code; it is shown once and not kept", Args: noArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			in := map[string]any{"hostLimit": hosts, "expiresInSeconds": int(expires / time.Second)}
			set, err := tagList(tags)
			if err != nil {
				return err
			}
			for member, value := range map[string]string{"hostLabel": label, "instanceId": instance} {
				if value != "" {
					in[member] = value
				}
			}
			if len(set) > 0 {
				in["tags"] = set
			}
			return r.raw(cmd, "CreateActivation", in)
		}}
	f := cmd.Flags()
	f.IntVar(&hosts, "hosts", 1, "how many hosts may enrol by it")
	f.DurationVar(&expires, "expires", 24*time.Hour, "how long it works")
	f.StringVar(&label, "label", "", "what to call its hosts (default: what they say)")
	f.StringVar(&instance, "instance", "", "the EC2 instance id of its one host")
	f.StringArrayVar(&tags, "tag", nil, "KEY=VALUE that its hosts get (may be repeated)")
	return cmd
}

func (r *remote) tag(use, operation, member string) *cobra.Command {
	var tags []string
	cmd := &cobra.Command{Use: use, Short: "Add tags", Args: oneArgument, RunE: func(cmd *cobra.Command, args []string) error {
		set, err := tagList(tags)
		if err == nil && len(set) == 0 {
			err = usageError{fmt.Errorf("%s needs --tag KEY=VALUE", cmd.CommandPath())}
		}
		if err != nil {
			return err
		}
		return r.raw(cmd, operation, map[string]any{member: args[0], "tags": set})
	}}
	cmd.Flags().StringArrayVar(&tags, "tag", nil, "KEY=VALUE (may be repeated)")
	return cmd
}

func (r *remote) untag(use, operation, member string) *cobra.Command {
	return &cobra.Command{Use: use, Short: "Remove tags", Args: func(cmd *cobra.Command, args []string) error {
		if len(args) < 2 {
			return usageError{fmt.Errorf("%s takes a name and the keys of tags", cmd.CommandPath())}
		}
		return nil
	}, RunE: func(cmd *cobra.Command, args []string) error {
		return r.raw(cmd, operation, map[string]any{member: args[0], "tagKeys": args[1:]})
	}}
}

func (r *remote) state(use, short, state string) *cobra.Command {
	return &cobra.Command{Use: use, Short: short, Args: oneArgument, RunE: func(cmd *cobra.Command, args []string) error {
		return r.raw(cmd, "SetHostState", map[string]string{"hostId": args[0], "state": state})
	}}
}
