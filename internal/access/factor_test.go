package access_test

import (
	"encoding/base32"
	"testing"
	"time"

	iamapi "muster/internal/awsmodel/iam"
	"muster/internal/awsmodel/inspector2"
	stsapi "muster/internal/awsmodel/sts"
	"muster/internal/iam/logins/loginstest"
)

// TestSecondFactor: a policy that wants a second factor is satisfied by a session
// that was begun with a code, also for the role that it assumes, and by nothing
// else; a code works once, for whose device it is.
func TestSecondFactor(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		const wants = `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":["inspector2:ListFindings","sts:AssumeRole"],"Resource":"*","Condition":{"Bool":{"aws:MultiFactorAuthPresent":"true"},"NumericLessThan":{"aws:MultiFactorAuthAge":"3600"}}}]}`
		ada, eve := w.user("ada", wants), w.user("eve", wants)
		h := w.iam.Handlers()
		device := do(w, root(home), h.CreateVirtualMFADevice, iamapi.CreateVirtualMFADeviceInput{VirtualMFADeviceName: "phone"}).VirtualMFADevice
		seed, err := base32.StdEncoding.WithPadding(base32.NoPadding).DecodeString(string(device.Base32StringSeed))
		w.must(err)
		code := func(steps int) string { return loginstest.Code(seed, w.now.Add(time.Duration(steps)*30*time.Second)) }
		do(w, root(home), h.EnableMFADevice, iamapi.EnableMFADeviceInput{UserName: "ada", SerialNumber: device.SerialNumber, AuthenticationCode1: code(-1), AuthenticationCode2: code(0)})
		role := w.role(home, "Careful", `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"AWS":"111111111111"},"Action":"sts:AssumeRole","Condition":{"Bool":{"aws:MultiFactorAuthPresent":"true"}}}]}`)

		const wrong = "MultiFactorAuthentication failed, unable to validate MFA code.  Please verify your MFA serial number is valid and associated with this user."
		with := stsapi.GetSessionTokenInput{SerialNumber: &device.SerialNumber, TokenCode: new(code(1))}
		_, err = w.sts.GetSessionToken(t.Context(), w.call(eve), &with)
		w.refused(err, 403, "AccessDenied", wrong)
		_, err = w.sts.GetSessionToken(t.Context(), w.call(root(home)), &with)
		w.refused(err, 403, "AccessDenied", wrong)
		_, err = w.sts.GetSessionToken(t.Context(), w.call(ada), &stsapi.GetSessionTokenInput{SerialNumber: &device.SerialNumber, TokenCode: new("000000")})
		w.refused(err, 403, "AccessDenied", wrong)
		out := do(w, ada, w.sts.GetSessionToken, with)
		_, err = w.sts.GetSessionToken(t.Context(), w.call(ada), &with)
		w.refused(err, 403, "AccessDenied", wrong)
		plain := do(w, ada, w.sts.GetSessionToken, stsapi.GetSessionTokenInput{})

		careful := w.signIn(out.Credentials.AccessKeyId, out.Credentials.SessionToken)
		careless := w.signIn(plain.Credentials.AccessKeyId, plain.Credentials.SessionToken)
		w.must(w.authorize(careful, "inspector2", "ListFindings", &inspector2.ListFindingsInput{}))
		for _, p := range []struct {
			name string
			err  error
		}{
			{"a session without a code", w.authorize(careless, "inspector2", "ListFindings", &inspector2.ListFindingsInput{})},
			{"a key", w.authorize(ada, "inspector2", "ListFindings", &inspector2.ListFindingsInput{})},
		} {
			if p.err == nil {
				t.Errorf("%s passes for a second factor", p.name)
			}
		}
		if _, err := w.assume(careful, stsapi.AssumeRoleInput{RoleArn: role}); err != nil {
			t.Errorf("the role: %v", err)
		}
		if _, err := w.assume(careless, stsapi.AssumeRoleInput{RoleArn: role}); err == nil {
			t.Error("the role is entered without a second factor")
		}
		w.now = w.now.Add(2 * time.Hour)
		if w.authorize(careful, "inspector2", "ListFindings", &inspector2.ListFindingsInput{}) == nil {
			t.Error("the second factor is too old")
		}
	})
}
