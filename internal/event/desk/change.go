package desk

import (
	"context"
	"crypto/rand"
	"encoding/base64"
	"strings"

	"muster/internal/awsmodel"
	"muster/internal/awsmodel/muster"
	"muster/internal/event"
	"muster/internal/event/form"
	"muster/internal/event/send"
	"muster/internal/inspector"
	"muster/internal/store"
	"muster/internal/store/sinks"
)

// mostSinks is how many sinks an account may have.
const mostSinks = 20

// CreateSink adds a sink. It gets the events from then on: those of the
// caller's account in the Region of the call, or in every Region, and those of
// its member accounts if it asks for them. The key of a webhook's signatures is
// told here and never again.
func (s *Service) CreateSink(ctx context.Context, call *awsmodel.Call, in *muster.CreateSinkInput) (*muster.CreateSinkOutput, error) {
	k := sinks.Sink{
		Account: call.Account(), ID: "sink-" + strings.ToLower(rand.Text()), Name: in.Name, Region: call.Region, Kind: sinks.Kind(in.Kind),
		Format: string(form.EventBridge), URL: in.Url, Enabled: true, CreatedAt: call.Time, UpdatedAt: call.Time,
		Organization: in.Organization != nil && *in.Organization,
		Options: sinks.Options{
			DetailTypes: in.DetailTypes, Subject: value(in.Subject), Bus: value(in.EventBusName), Region: value(in.SigningRegion), Source: value(in.Source),
		},
	}
	if in.AllRegions != nil && *in.AllRegions {
		k.Region = ""
	}
	if in.Format != "" {
		k.Format = string(in.Format)
	}
	c, err := credentials(&k, in.Credentials)
	if err == nil {
		err = check(&k)
	}
	if err != nil {
		return nil, err
	}
	if k.Kind == sinks.Webhook {
		c.Signing = newKey()
	}
	if k.Secret, err = event.SealSecret(s.config.Keyring, k.Account, k.ID, c); err != nil {
		return nil, err
	}
	return store.Write(ctx, s.config.Store, func(tx *store.Tx) (*muster.CreateSinkOutput, error) {
		if err := permit(ctx, tx, call, &k); err != nil {
			return nil, err
		}
		if err := sinks.Put(ctx, tx, &k); err != nil {
			return nil, err
		}
		shown, err := show(ctx, tx, &k, call.Time)
		return &muster.CreateSinkOutput{Sink: &shown, SigningSecret: told(c.Signing)}, err
	})
}

// permit refuses a sink that the account may not have.
func permit(ctx context.Context, tx *store.Tx, call *awsmodel.Call, k *sinks.Sink) error {
	n, err := sinks.Count(ctx, tx, k.Account)
	if err != nil {
		return err
	}
	if n >= mostSinks {
		return invalid("name", "An account has %d sinks at most.", mostSinks)
	}
	taken, err := sinks.Named(ctx, tx, k.Account, k.Name)
	if err != nil {
		return err
	}
	if taken {
		return &muster.ConflictException{Message: "A sink of this name exists.", ResourceId: k.Name, ResourceType: "Sink"}
	}
	if !k.Organization {
		return nil
	}
	scope, err := inspector.VisibleAccounts(ctx, tx, call.Account(), call.Region)
	if err == nil && !scope.Administrator {
		err = &muster.AccessDeniedException{Message: "Only the delegated administrator of this Region gets the events of member accounts."}
	}
	return err
}

// check refuses settings that cannot work.
func check(k *sinks.Sink) error {
	if _, err := send.CheckURL(k.Kind, k.URL); err != nil {
		return invalid("url", "%v.", err)
	}
	o := &k.Options
	switch {
	case k.Kind == sinks.NATS && o.Subject == "":
		return invalid("subject", "A NATS sink needs the subject to publish to.")
	case k.Kind != sinks.NATS && o.Subject != "":
		return invalid("subject", "Only a NATS sink has a subject.")
	case k.Kind != sinks.EventBridge && (o.Bus != "" || o.Region != "" || o.Source != ""):
		return invalid("kind", "Only an EventBridge sink has an eventBusName, a signingRegion and a source.")
	}
	if k.Kind == sinks.EventBridge && o.Region == "" {
		return invalid("signingRegion", "An EventBridge sink needs the Region that its requests are signed for.")
	}
	return nil
}

// credentials are what a sink is opened with. Each kind has its own.
func credentials(k *sinks.Sink, in *muster.SinkCredentials) (c send.Credentials, err error) {
	if in == nil {
		in = &muster.SinkCredentials{}
	}
	c = send.Credentials{User: value(in.User), Password: value(in.Password), Token: value(in.Token), AccessKey: value(in.AccessKeyId), SecretKey: value(in.SecretAccessKey)}
	login, keys := c.User != "" || c.Password != "" || c.Token != "", c.AccessKey != "" || c.SecretKey != ""
	switch {
	case login && k.Kind != sinks.NATS || keys && k.Kind != sinks.EventBridge:
		return c, invalid("credentials", "These credentials are not for a sink of this kind.")
	case k.Kind == sinks.EventBridge && (c.AccessKey == "" || c.SecretKey == ""):
		return c, invalid("credentials", "An EventBridge sink needs an accessKeyId and a secretAccessKey.")
	case (c.User == "") != (c.Password == "") || c.User != "" && c.Token != "":
		return c, invalid("credentials", "Give a user with a password, or a token, or nothing.")
	}
	return c, nil
}

// newKey makes a key for signatures.
func newKey() []byte {
	key := make([]byte, 32)
	_, _ = rand.Read(key) // never fails, by its documentation
	return key
}

// told is a key as it is told, in the usual form of webhooks' keys.
func told(key []byte) *string {
	if key == nil {
		return nil
	}
	return new("whsec_" + base64.StdEncoding.EncodeToString(key))
}

// UpdateSink changes a sink; members that are absent keep their value. What it
// has yet to take goes where it points from now on.
func (s *Service) UpdateSink(ctx context.Context, call *awsmodel.Call, in *muster.UpdateSinkInput) (*muster.UpdateSinkOutput, error) {
	return store.Write(ctx, s.config.Store, func(tx *store.Tx) (*muster.UpdateSinkOutput, error) {
		k, err := sinks.Lookup(ctx, tx, call.Account(), in.SinkId)
		if err != nil {
			return nil, unknown(err, in.SinkId)
		}
		key, err := s.change(&k, in)
		if err != nil {
			return nil, err
		}
		k.UpdatedAt = call.Time
		if err := sinks.Put(ctx, tx, &k); err != nil {
			return nil, err
		}
		if k.Enabled {
			if err := event.AskForDelivery(ctx, tx, k.Account, k.ID, call.Time); err != nil {
				return nil, err
			}
		}
		shown, err := show(ctx, tx, &k, call.Time)
		return &muster.UpdateSinkOutput{Sink: &shown, SigningSecret: told(key)}, err
	})
}

// change applies a request to a sink and returns the new key of signatures, if
// there is one.
func (s *Service) change(k *sinks.Sink, in *muster.UpdateSinkInput) (key []byte, err error) {
	if in.Status != "" {
		k.Enabled = in.Status == muster.SinkStatusEnabled
	}
	if in.Url != nil {
		// Whoever may change a sink may not send what it logs in with elsewhere.
		if k.Kind == sinks.NATS && in.Credentials == nil {
			return nil, invalid("credentials", "With another url a NATS sink needs its credentials again.")
		}
		k.URL = *in.Url
	}
	if in.DetailTypes != nil {
		k.DetailTypes = in.DetailTypes
	}
	if err := check(k); err != nil {
		return nil, err
	}
	rotate := in.RotateSigningSecret != nil && *in.RotateSigningSecret
	switch {
	case rotate && k.Kind != sinks.Webhook:
		return nil, invalid("rotateSigningSecret", "Only a webhook has a signing secret.")
	case rotate:
		key = newKey()
		k.Secret, err = event.SealSecret(s.config.Keyring, k.Account, k.ID, send.Credentials{Signing: key})
	case in.Credentials != nil:
		var c send.Credentials
		if c, err = credentials(k, in.Credentials); err == nil {
			k.Secret, err = event.SealSecret(s.config.Keyring, k.Account, k.ID, c)
		}
	}
	return key, err
}
