package awsapi

import (
	"errors"
	"net/http"
	"net/url"
	"regexp"

	"muster/internal/arn"
	"muster/internal/awsapi/sigv4"
)

// strangersRegion is the Region of a request that names none.
const strangersRegion arn.Region = "us-east-1"

// claim is what a request says of its signer, however badly it says it.
type claim struct {
	accessKeyID, token, service string
	region                      arn.Region
}

// looseCredential finds a credential's scope in headers and query strings that
// are not proper signatures, looseKey the access key in the older "AWS
// key:signature".
var (
	looseCredential = regexp.MustCompile(`Credential=([^/,&\s]{1,128})(?:/\d*/([^/,&\s]*)/([^/,&\s]*))?`)
	looseKey        = regexp.MustCompile(`\AAWS ([^:\s]{1,128}):`)
)

// admitAnyone takes a request that no key issued here has signed as its
// claimed signer's, without looking at the signature. It reports whether it
// did: keys issued here are verified like everywhere, so that who has made a
// user or a session sees what these may do.
func (e *exchange) admitAnyone() (bool, error) {
	c := claimed(e.r)
	e.call.Region = c.region
	e.door.guess(e, c.service)
	if keyName.MatchString(c.accessKeyID) {
		_, err := e.door.config.Keys.Lookup(e.r.Context(), c.accessKeyID, c.token)
		if err == nil || !errors.Is(err, ErrUnknownKey) {
			return false, err
		}
	}
	var err error
	e.call.Principal, err = e.door.config.Anyone(e.r.Context(), c.accessKeyID)
	return err == nil, err
}

// answerStranger answers a request that admitAnyone has taken.
func (e *exchange) answerStranger(w http.ResponseWriter) error {
	if err := e.readBody(w); err != nil {
		return err
	}
	if err := e.find(); err != nil {
		return err
	}
	if e.op.Invoke == nil {
		return e.notImplemented()
	}
	return e.perform(e.r.Context())
}

// claimed reads what a request says of its signer.
func claimed(r *http.Request) claim {
	c := claim{token: r.Header.Get("X-Amz-Security-Token")}
	region := ""
	if sig, err := sigv4.Parse(r); err == nil {
		c.accessKeyID, c.token, c.service, region = sig.AccessKeyID, sig.SessionToken, sig.Service, sig.Region
	} else {
		c.accessKeyID, region, c.service = loosely(r)
	}
	c.region = strangersRegion
	if regionName.MatchString(region) {
		c.region = arn.Region(region)
	}
	return c
}

func loosely(r *http.Request) (accessKeyID, region, service string) {
	text := r.Header.Get("Authorization")
	if query, err := url.QueryUnescape(r.URL.RawQuery); err == nil {
		text += " " + query
	}
	if m := looseCredential.FindStringSubmatch(text); m != nil {
		return m[1], m[2], m[3]
	}
	if m := looseKey.FindStringSubmatch(text); m != nil {
		return m[1], "", ""
	}
	return "", "", ""
}
