package command

import (
	"errors"
	"fmt"

	"muster/internal/client"

	"github.com/spf13/cobra"
)

// Remote are the flags of commands that talk to a server as AWS clients do.
type Remote struct {
	Options client.Options
	Format  string
}

// Flags adds the flags to a command and all below it.
func (r *Remote) Flags(cmd *cobra.Command) {
	f := cmd.PersistentFlags()
	f.StringVar(&r.Options.Profile, "profile", "", "profile of the AWS configuration (default $AWS_PROFILE)")
	f.StringVar(&r.Options.Region, "region", "", "Region to ask in (default $AWS_REGION, else the profile's)")
	f.StringVar(&r.Options.Endpoint, "endpoint-url", "", "address of the server (default $AWS_ENDPOINT_URL, else the profile's, else "+client.DefaultEndpoint+")")
	f.StringVar(&r.Format, "format", "text", "text or json")
}

// Open reads the AWS configuration; what is wrong with it is wrong usage.
func (r *Remote) Open(cmd *cobra.Command) (*client.Client, error) {
	if r.Format != "text" && r.Format != "json" {
		return nil, Usage(fmt.Errorf("--format: %q is neither text nor json", r.Format))
	}
	c, err := client.Open(cmd.Context(), r.Options)
	if err != nil {
		return nil, Usage(err)
	}
	return c, nil
}

// InvalidInput makes wrong usage of what the server says is wrong input.
func InvalidInput(err error) error {
	refusal, ok := errors.AsType[*client.Error](err)
	if ok && refusal.Code == "ValidationException" {
		return Usage(errors.New(refusal.Message))
	}
	return err
}
