package up

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/iam"
	"github.com/aws/aws-sdk-go-v2/service/inspector2"
	"github.com/aws/aws-sdk-go-v2/service/organizations"
	"github.com/aws/aws-sdk-go-v2/service/sts"
	"github.com/aws/smithy-go"
)

// clients are the AWS SDK's clients of one principal, pointed at muster. The
// demonstration organization is built through them and nothing else, so that
// every start proves the public API.
type clients struct {
	config        aws.Config
	iam           *iam.Client
	sts           *sts.Client
	organizations *organizations.Client
	inspector     *inspector2.Client
}

func (r *run) clients(k key, session string) *clients {
	cfg := aws.Config{
		Region:       r.region,
		BaseEndpoint: &r.endpoint,
		Credentials:  credentials.NewStaticCredentialsProvider(k.ID, k.Secret, session),
		HTTPClient:   r.http,
	}
	return &clients{
		config: cfg, iam: iam.NewFromConfig(cfg), sts: sts.NewFromConfig(cfg),
		organizations: organizations.NewFromConfig(cfg), inspector: inspector2.NewFromConfig(cfg),
	}
}

// refused reports whether the service answered with this error code.
func refused(err error, code string) bool {
	var api smithy.APIError
	return errors.As(err, &api) && api.ErrorCode() == code
}

// until asks again, a little later each time, until done or the deadline.
func until(ctx context.Context, what string, limit time.Duration, done func() (bool, error)) error {
	ctx, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	pause := 20 * time.Millisecond
	for {
		ok, err := done()
		if err != nil {
			return fmt.Errorf("%s: %w", what, err)
		}
		if ok {
			return nil
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("%s: %w", what, context.Cause(ctx))
		case <-time.After(pause):
		}
		pause = min(pause*2, 500*time.Millisecond)
	}
}
