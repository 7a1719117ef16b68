package cli

import (
	"errors"
	"fmt"
	"os"
	"strconv"
	"strings"
	"time"

	"muster/internal/cli/command"
	"muster/internal/client"

	"github.com/spf13/cobra"
)

func newSink() *cobra.Command {
	var r command.Remote
	cmd := &cobra.Command{
		Use:   "sink",
		Short: "Say where events go, and see how far they have come",
		Long: `Events of findings, scans and coverage go to sinks: signed webhooks, subjects of NATS JetStream, and endpoints
that take EventBridge's PutEvents. Every event comes at least once, those of a finding in their order; what a
sink does not take is tried again for a day and then kept as a dead letter for two weeks.

A webhook checks requests by the header Webhook-Signature: "v1," and the base64 of the HMAC-SHA256 of
"ID.TIMESTAMP.BODY", where ID and TIMESTAMP are the headers Webhook-Id and Webhook-Timestamp, and the key is
the base64 after "whsec_" of the secret that create prints once.`,
		Args: command.NeedCommand,
		RunE: func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	r.Flags(cmd)
	cmd.AddCommand(newSinkCreate(&r), newSinkList(&r), newSinkUpdate(&r), newSinkDelete(&r), newSinkTest(&r), newSinkDead(&r), newSinkRedrive(&r))
	return cmd
}

// login are the flags for what muster logs in to a sink with. Secrets come from
// files, so that no list of processes shows them.
type login struct{ user, passwordFile, tokenFile, accessKey, secretKeyFile string }

func (l *login) flags(cmd *cobra.Command) {
	f := cmd.Flags()
	f.StringVar(&l.user, "user", "", "NATS user")
	f.StringVar(&l.passwordFile, "password-file", "", "file with the user's password")
	f.StringVar(&l.tokenFile, "token-file", "", "file with a token of NATS")
	f.StringVar(&l.accessKey, "access-key-id", "", "access key that signs requests to EventBridge")
	f.StringVar(&l.secretKeyFile, "secret-access-key-file", "", "file with its secret")
}

func (l *login) credentials() (*client.SinkCredentials, error) {
	if *l == (login{}) {
		return nil, nil
	}
	c := &client.SinkCredentials{User: l.user, AccessKeyID: l.accessKey}
	for file, into := range map[string]*string{l.passwordFile: &c.Password, l.tokenFile: &c.Token, l.secretKeyFile: &c.SecretAccessKey} {
		if file == "" {
			continue
		}
		body, err := os.ReadFile(file)
		if err != nil {
			return nil, command.Usage(err)
		}
		*into = strings.TrimSpace(string(body))
	}
	return c, nil
}

func newSinkCreate(r *command.Remote) *cobra.Command {
	var in client.CreateSinkInput
	var l login
	var types string
	cmd := &cobra.Command{
		Use: "create NAME URL", Short: "Add a sink", Args: cobra.ExactArgs(2),
		Example: `  muster sink create alerts https://hooks.example.com/muster --profile audit --organization --all-regions
  muster sink create bus tls://nats.example.com:4222 --kind nats --subject security.findings --user muster --password-file pw
  muster sink create hub https://events.eu-central-1.amazonaws.com --kind eventbridge --signing-region eu-central-1 \
    --source muster.inspector2 --access-key-id AKIA… --secret-access-key-file key`,
		RunE: func(cmd *cobra.Command, args []string) (err error) {
			in.Name, in.URL, in.Kind, in.Format, in.DetailTypes = args[0], args[1], strings.ToUpper(in.Kind), strings.ToUpper(in.Format), command.Commas(types)
			if in.Credentials, err = l.credentials(); err != nil {
				return err
			}
			var out client.SinkOutput
			return call(r, cmd, "CreateSink", in, &out, func(p *printer) {
				p.line("%s", out.Sink.SinkID)
				if out.SigningSecret != "" {
					p.line("signing secret, shown this once: %s", out.SigningSecret)
				}
			})
		},
	}
	f := cmd.Flags()
	f.StringVar(&in.Kind, "kind", "webhook", "webhook, nats or eventbridge")
	f.StringVar(&in.Format, "events-as", "", "eventbridge (default), asff or ocsf; the latter two tell of findings only")
	f.BoolVar(&in.AllRegions, "all-regions", false, "events of every Region")
	f.BoolVar(&in.Organization, "organization", false, "events of member accounts, too")
	f.StringVar(&types, "detail-types", "", `kinds of events, such as "Inspector2 Finding,Muster Fix Available" (default all)`)
	f.StringVar(&in.Subject, "subject", "", "subject of NATS")
	f.StringVar(&in.EventBusName, "bus", "", "name or ARN of the event bus")
	f.StringVar(&in.SigningRegion, "signing-region", "", "Region that requests to EventBridge are signed for")
	f.StringVar(&in.Source, "source", "", `source to give the events: AWS takes none that begins with "aws."`)
	l.flags(cmd)
	return cmd
}

// call calls an operation and prints its output: as JSON, or by show.
func call(r *command.Remote, cmd *cobra.Command, op string, in, out any, show func(*printer)) error {
	c, err := r.Open(cmd)
	if err != nil {
		return err
	}
	if err := c.Call(cmd.Context(), op, in, out); err != nil {
		return command.InvalidInput(err)
	}
	if r.Format == "json" {
		return command.PrintJSON(cmd.OutOrStdout(), out)
	}
	p := &printer{w: cmd.OutOrStdout()}
	show(p)
	return p.err
}

func newSinkList(r *command.Remote) *cobra.Command {
	return &cobra.Command{
		Use: "list", Short: "List the sinks and how far each has come", Args: command.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			var out client.Sinks
			return call(r, cmd, "ListSinks", client.SinkID{}, &out, func(p *printer) {
				for _, k := range out.Sinks {
					p.sink(k)
				}
			})
		},
	}
}

func (p *printer) sink(k client.Sink) {
	where := k.Region
	if where == "" {
		where = "all Regions"
	}
	if k.Organization {
		where += ", the organization"
	}
	p.line("%s  %s  %s %s as %s to %s (%s)", k.SinkID, k.Name, k.Status, k.Kind, k.Format, k.URL, where)
	p.line("  delivered %d, waiting %d (the oldest for %v), dead letters %d", k.Delivered, k.Waiting, time.Duration(k.LagSeconds)*time.Second, k.DeadLetters)
	if k.LastError != "" {
		p.line("  last failure %s: %s", k.LastFailedAt.Time().Format(time.RFC3339), k.LastError)
	}
}

func oneSink(cmd *cobra.Command, args []string) error {
	if len(args) != 1 {
		return command.Usage(fmt.Errorf("%s takes one sink id", cmd.CommandPath()))
	}
	return nil
}

func newSinkUpdate(r *command.Remote) *cobra.Command {
	var in client.UpdateSinkInput
	var l login
	var types string
	var enable, disable bool
	cmd := &cobra.Command{
		Use: "update ID", Short: "Change a sink", Args: oneSink,
		RunE: func(cmd *cobra.Command, args []string) (err error) {
			if enable && disable {
				return command.Usage(errors.New("give --enable or --disable"))
			}
			in.SinkID, in.DetailTypes = args[0], command.Commas(types)
			in.Status = map[bool]string{enable: "ENABLED", disable: "DISABLED"}[true]
			if in.Credentials, err = l.credentials(); err != nil {
				return err
			}
			var out client.SinkOutput
			return call(r, cmd, "UpdateSink", in, &out, func(p *printer) {
				p.sink(out.Sink)
				if out.SigningSecret != "" {
					p.line("signing secret, shown this once: %s", out.SigningSecret)
				}
			})
		},
	}
	f := cmd.Flags()
	f.BoolVar(&enable, "enable", false, "send events again")
	f.BoolVar(&disable, "disable", false, "send nothing; events until --enable are not for this sink")
	f.StringVar(&in.URL, "url", "", "new address; what waits goes there")
	f.StringVar(&types, "detail-types", "", "kinds of events")
	f.BoolVar(&in.RotateSigningSecret, "rotate-secret", false, "make a new signing secret")
	l.flags(cmd)
	return cmd
}

func newSinkDelete(r *command.Remote) *cobra.Command {
	return &cobra.Command{
		Use: "delete ID", Short: "Forget a sink with everything that it has yet to take", Args: oneSink,
		RunE: func(cmd *cobra.Command, args []string) error {
			return call(r, cmd, "DeleteSink", client.SinkID{SinkID: args[0]}, &struct{}{}, func(*printer) {})
		},
	}
}

func newSinkTest(r *command.Remote) *cobra.Command {
	return &cobra.Command{
		Use: "test ID", Short: "Send one event at once and tell what became of it", Args: oneSink,
		RunE: func(cmd *cobra.Command, args []string) error {
			var out client.SinkTest
			err := call(r, cmd, "TestSink", client.SinkID{SinkID: args[0]}, &out, func(p *printer) {
				if out.Delivered {
					p.line("delivered in %d ms", out.DurationMilliseconds)
				} else {
					p.line("not delivered: %s", out.Error)
				}
			})
			if err == nil && !out.Delivered {
				err = command.Silent(1)
			}
			return err
		},
	}
}

func newSinkDead(r *command.Remote) *cobra.Command {
	return &cobra.Command{
		Use: "dead-letters ID", Short: "List what a sink did not take", Args: oneSink,
		RunE: func(cmd *cobra.Command, args []string) error {
			c, err := r.Open(cmd)
			if err != nil {
				return err
			}
			in, all := client.SinkID{SinkID: args[0]}, []client.DeadLetter{}
			for {
				var page client.DeadLetters
				if err := c.Call(cmd.Context(), "ListDeadLetters", in, &page); err != nil {
					return command.InvalidInput(err)
				}
				all = append(all, page.DeadLetters...)
				if in.NextToken = page.NextToken; in.NextToken == "" {
					break
				}
			}
			if r.Format == "json" {
				return command.PrintJSON(cmd.OutOrStdout(), all)
			}
			p := &printer{w: cmd.OutOrStdout()}
			for _, d := range all {
				p.line("%d  %s  %s %s %s  %s  %d attempts: %s", d.Position, d.Time.Time().Format(time.RFC3339), d.AccountID, d.Region, d.DetailType,
					strings.Join(d.Resources, " "), d.Attempts, d.Error)
			}
			return p.err
		},
	}
}

func newSinkRedrive(r *command.Remote) *cobra.Command {
	return &cobra.Command{
		Use: "redrive ID [POSITION …]", Short: "Try dead letters again, all or those at the positions",
		RunE: func(cmd *cobra.Command, args []string) error {
			if len(args) == 0 {
				return command.Usage(errors.New("a sink id is needed"))
			}
			in := client.SinkID{SinkID: args[0]}
			for _, text := range args[1:] {
				n, err := strconv.ParseInt(text, 10, 64)
				if err != nil {
					return command.Usage(fmt.Errorf("%q is no position", text))
				}
				in.Positions = append(in.Positions, n)
			}
			var out client.Redriven
			return call(r, cmd, "RedriveDeadLetters", in, &out, func(p *printer) { p.line("%d events are tried again", out.Redriven) })
		},
	}
}
