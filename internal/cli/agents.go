package cli

import (
	"fmt"
	"strings"
	"time"

	"muster/internal/cli/command"

	"github.com/spf13/cobra"
)

// tagList reads --tag KEY=VALUE flags; a key alone has an empty value.
func tagList(list []string) (map[string]string, error) {
	tags := map[string]string{}
	for _, text := range list {
		key, value, _ := strings.Cut(text, "=")
		if key == "" {
			return nil, command.Usage(fmt.Errorf("--tag: %q is not KEY=VALUE", text))
		}
		tags[key] = value
	}
	return tags, nil
}

func newAgents() *cobra.Command {
	var r command.Remote
	cmd := command.Group("agents", "Let hosts enrol, look after them, and take their right to report",
		`Works on the hosts of the caller's account and Region. An activation is a code with which hosts enrol: bound to
account, Region, tags, a number of hosts and a time. A host that was revoked can report no more, and its findings
close as those of a terminated instance.`,
		`  muster agents activation create --hosts 50 --expires 2h --tag team=web
  muster agents list
  muster agents tag i-0123456789abcdef0 --tag InspectorEc2Exclusion
  muster agents revoke i-0123456789abcdef0`)
	r.Flags(cmd)
	activation := command.Group("activation", "Codes with which hosts enrol", "", "")
	activation.AddCommand(newCreateActivation(&r),
		r.Simple("list", "List the codes, without the codes themselves", "ListActivations"),
		r.Simple("delete ID", "Delete a code; hosts that enrolled by it stay", "DeleteActivation", "activationId"))
	cmd.AddCommand(activation, newTag(&r, "tag HOST", "TagHost", "hostId"), newUntag(&r, "untag HOST KEY…", "UntagHost", "hostId"),
		r.Simple("list", "List the hosts", "ListHosts"),
		r.Simple("show HOST", "Show a host with its kernel and the sockets it listens on", "GetHost", "hostId"),
		r.Simple("revoke HOST", "Take a host's right to report", "RevokeHost", "hostId"),
		r.Simple("rotate-key HOST", "Ask a host for another key", "RotateHostKey", "hostId"),
		newNoteState(&r, "stopped HOST", "Note that a host was stopped: its findings stay, it is not scanned", "STOPPED"),
		newNoteState(&r, "running HOST", "Note that a host was started again", "RUNNING"))
	return cmd
}

func newCreateActivation(r *command.Remote) *cobra.Command {
	var hosts int
	var expires time.Duration
	var label, instance string
	var tags []string
	cmd := &cobra.Command{Use: "create", Short: "Make a code; it is shown once and not kept", Args: command.NoArgs,
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
			return r.Raw(cmd, "CreateActivation", in)
		}}
	f := cmd.Flags()
	f.IntVar(&hosts, "hosts", 1, "how many hosts may enrol by it")
	f.DurationVar(&expires, "expires", 24*time.Hour, "how long it works")
	f.StringVar(&label, "label", "", "what to call its hosts (default: what they say)")
	f.StringVar(&instance, "instance", "", "the EC2 instance id of its one host")
	f.StringArrayVar(&tags, "tag", nil, "KEY=VALUE that its hosts get (may be repeated)")
	return cmd
}

func newTag(r *command.Remote, use, operation, member string) *cobra.Command {
	var tags []string
	cmd := &cobra.Command{Use: use, Short: "Add tags", Args: command.OneArgument, RunE: func(cmd *cobra.Command, args []string) error {
		set, err := tagList(tags)
		if err == nil && len(set) == 0 {
			err = command.Usage(fmt.Errorf("%s needs --tag KEY=VALUE", cmd.CommandPath()))
		}
		if err != nil {
			return err
		}
		return r.Raw(cmd, operation, map[string]any{member: args[0], "tags": set})
	}}
	cmd.Flags().StringArrayVar(&tags, "tag", nil, "KEY=VALUE (may be repeated)")
	return cmd
}

func newUntag(r *command.Remote, use, operation, member string) *cobra.Command {
	return &cobra.Command{Use: use, Short: "Remove tags", Args: func(cmd *cobra.Command, args []string) error {
		if len(args) < 2 {
			return command.Usage(fmt.Errorf("%s takes a name and the keys of tags", cmd.CommandPath()))
		}
		return nil
	}, RunE: func(cmd *cobra.Command, args []string) error {
		return r.Raw(cmd, operation, map[string]any{member: args[0], "tagKeys": args[1:]})
	}}
}

func newNoteState(r *command.Remote, use, short, state string) *cobra.Command {
	return &cobra.Command{Use: use, Short: short, Args: command.OneArgument, RunE: func(cmd *cobra.Command, args []string) error {
		return r.Raw(cmd, "SetHostState", map[string]string{"hostId": args[0], "state": state})
	}}
}
