package iam_test

import (
	"encoding/base32"
	"errors"
	"strings"
	"testing"
	"time"

	"muster/internal/arn"
	api "muster/internal/awsmodel/iam"
	"muster/internal/iam/logins"
	"muster/internal/iam/logins/loginstest"
)

const ada, good, better = "ada", "Correct horse 1", "Battery staple 2"

// signIn tries to sign ada in.
func (w *world) signIn(a logins.Attempt, at time.Time) error {
	w.t.Helper()
	a.Account, a.User = "111111111111", ada
	_, _, err := w.service.Logins().SignIn(w.t.Context(), a, at)
	return err
}

func TestPasswords(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		do(w, w.CreateUser, api.CreateUserInput{UserName: ada})
		if err := w.signIn(logins.Attempt{Password: good}, w.now); !errors.Is(err, logins.ErrWrong) {
			t.Errorf("without a password: %v", err)
		}
		refuse(w, w.CreateLoginProfile, api.CreateLoginProfileInput{UserName: new(ada), Password: new("short")}, "PasswordPolicyViolation",
			"Password should have a minimum length of 8 and at least three of: uppercase letters, lowercase letters, numbers, symbols.")
		out := do(w, w.CreateLoginProfile, api.CreateLoginProfileInput{UserName: new(ada), Password: new(good)})
		if out.LoginProfile.UserName != ada || *out.LoginProfile.PasswordResetRequired {
			t.Errorf("got %+v", out.LoginProfile)
		}
		refuse(w, w.CreateLoginProfile, api.CreateLoginProfileInput{UserName: new(ada), Password: new(good)}, "EntityAlreadyExists", "Login Profile for user ada already exists.")
		for password, want := range map[string]error{good: nil, better: logins.ErrWrong, "": logins.ErrWrong} {
			if err := w.signIn(logins.Attempt{Password: password}, w.now); !errors.Is(err, want) {
				t.Errorf("%q: %v", password, err)
			}
		}
		refuse(w, w.DeleteUser, api.DeleteUserInput{UserName: ada}, "DeleteConflict", "Cannot delete entity, must delete login profile first.")

		do(w, w.UpdateLoginProfile, api.UpdateLoginProfileInput{UserName: ada, PasswordResetRequired: new(true)})
		if err := w.signIn(logins.Attempt{Password: good}, w.now); !errors.Is(err, logins.ErrReset) {
			t.Errorf("to be reset: %v", err)
		}
		if err := w.signIn(logins.Attempt{Password: good, NewPassword: good}, w.now); err == nil || !strings.Contains(err.Error(), "must differ") {
			t.Errorf("the same again: %v", err)
		}
		if err := errors.Join(w.signIn(logins.Attempt{Password: good, NewPassword: better}, w.now), w.signIn(logins.Attempt{Password: better}, w.now)); err != nil {
			t.Errorf("a new one: %v", err)
		}
		do(w, w.DeleteLoginProfile, api.DeleteLoginProfileInput{UserName: new(ada)})
		if err := w.signIn(logins.Attempt{Password: better}, w.now); !errors.Is(err, logins.ErrWrong) {
			t.Errorf("deleted: %v", err)
		}
		do(w, w.DeleteUser, api.DeleteUserInput{UserName: ada})
	})
}

func TestPasswordsObeyThePolicy(t *testing.T) {
	w := newWorld(t, sqlite(t))
	do(w, w.CreateUser, api.CreateUserInput{UserName: ada})
	do(w, w.UpdateAccountPasswordPolicy, api.UpdateAccountPasswordPolicyInput{
		MinimumPasswordLength: new(int32(10)), RequireNumbers: new(true), RequireSymbols: new(true), MaxPasswordAge: new(int32(30)), PasswordReusePrevention: new(int32(2)),
	})
	for password, want := range map[string]string{
		"abc": "Password should have a minimum length of 10", "abcdefghijkl": "Password should have at least one number", "abcdefghijk1": "Password should have at least one symbol",
	} {
		refuse(w, w.CreateLoginProfile, api.CreateLoginProfileInput{UserName: new(ada), Password: &password}, "PasswordPolicyViolation", want)
	}
	do(w, w.CreateLoginProfile, api.CreateLoginProfileInput{UserName: new(ada), Password: new("first-pass-1")})
	for _, next := range []string{"second-pass-2", "third-pass-3"} {
		do(w, w.UpdateLoginProfile, api.UpdateLoginProfileInput{UserName: ada, Password: &next})
	}
	refuse(w, w.UpdateLoginProfile, api.UpdateLoginProfileInput{UserName: ada, Password: new("second-pass-2")}, "PasswordPolicyViolation", "Password cannot be reused.")
	do(w, w.UpdateLoginProfile, api.UpdateLoginProfileInput{UserName: ada, Password: new("first-pass-1")})
	if err := w.signIn(logins.Attempt{Password: "first-pass-1"}, w.now.Add(31*24*time.Hour)); !errors.Is(err, logins.ErrReset) {
		t.Errorf("after its age: %v", err)
	}
	self := w.root()
	self.Principal = arn.Principal{Kind: arn.User, Account: "111111111111", ID: do(w, w.GetUser, api.GetUserInput{UserName: new(ada)}).User.UserId}
	_, err := w.ChangePassword(t.Context(), self, &api.ChangePasswordInput{OldPassword: "wrong", NewPassword: "fourth-pass-4"})
	refused(t, err, "AccessDenied", "The old password was incorrect.")
	if _, err := w.ChangePassword(t.Context(), self, &api.ChangePasswordInput{OldPassword: "first-pass-1", NewPassword: "fourth-pass-4"}); err != nil {
		t.Error(err)
	}
	if err := w.signIn(logins.Attempt{Password: "fourth-pass-4"}, w.now); err != nil {
		t.Error(err)
	}
}

func TestSecondFactors(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		do(w, w.CreateUser, api.CreateUserInput{UserName: ada})
		do(w, w.CreateLoginProfile, api.CreateLoginProfileInput{UserName: new(ada), Password: new(good)})
		made := do(w, w.CreateVirtualMFADevice, api.CreateVirtualMFADeviceInput{VirtualMFADeviceName: "phone"}).VirtualMFADevice
		if made.SerialNumber != "arn:aws:iam::111111111111:mfa/phone" || !strings.HasPrefix(string(made.QRCodePNG), "\x89PNG") {
			t.Errorf("made %.300v", made)
		}
		seed, err := base32.StdEncoding.WithPadding(base32.NoPadding).DecodeString(string(made.Base32StringSeed))
		if err != nil {
			t.Fatal(err)
		}
		code := func(steps int) string { return loginstest.Code(seed, w.now.Add(time.Duration(steps)*30*time.Second)) }
		enable := api.EnableMFADeviceInput{UserName: ada, SerialNumber: made.SerialNumber, AuthenticationCode1: code(0), AuthenticationCode2: code(2)}
		refuse(w, w.EnableMFADevice, enable, "InvalidAuthenticationCode", "Authentication code for device is not valid.")
		enable.AuthenticationCode1, enable.AuthenticationCode2 = code(-1), code(0)
		do(w, w.EnableMFADevice, enable)
		refuse(w, w.EnableMFADevice, enable, "EntityAlreadyExists", "MFA Device is already in use.")
		if list := do(w, w.ListMFADevices, api.ListMFADevicesInput{UserName: new(ada)}).MFADevices; len(list) != 1 || list[0].UserName != ada {
			t.Errorf("listed %+v", list)
		}
		for _, c := range []struct {
			password, code string
			want           error
		}{
			{good, "", logins.ErrCode}, {better, "", logins.ErrWrong}, {better, code(1), logins.ErrWrong}, {good, "000000", logins.ErrWrong},
			{good, code(0), logins.ErrWrong}, // used up when the device was enabled
			{good, code(1), nil}, {good, code(1), logins.ErrWrong}, {good, code(3), logins.ErrWrong},
		} {
			if err := w.signIn(logins.Attempt{Password: c.password, Code: c.code}, w.now); !errors.Is(err, c.want) {
				t.Errorf("%q %q: %v, want %v", c.password, c.code, err, c.want)
			}
		}
		refuse(w, w.DeleteVirtualMFADevice, api.DeleteVirtualMFADeviceInput{SerialNumber: made.SerialNumber}, "DeleteConflict", "MFA VirtualDevice in use. Must deactivate first.")
		do(w, w.DeleteLoginProfile, api.DeleteLoginProfileInput{UserName: new(ada)})
		refuse(w, w.DeleteUser, api.DeleteUserInput{UserName: ada}, "DeleteConflict", "Cannot delete entity, must delete MFA device first.")
		do(w, w.ResyncMFADevice, api.ResyncMFADeviceInput{UserName: ada, SerialNumber: made.SerialNumber, AuthenticationCode1: code(300), AuthenticationCode2: code(301)})
		do(w, w.DeactivateMFADevice, api.DeactivateMFADeviceInput{UserName: new(ada), SerialNumber: made.SerialNumber})
		if list := do(w, w.ListVirtualMFADevices, api.ListVirtualMFADevicesInput{AssignmentStatus: api.AssignmentStatusTypeUnassigned}).VirtualMFADevices; len(list) != 1 {
			t.Errorf("unassigned are %+v", list)
		}
		do(w, w.DeleteVirtualMFADevice, api.DeleteVirtualMFADeviceInput{SerialNumber: made.SerialNumber})
		do(w, w.DeleteUser, api.DeleteUserInput{UserName: ada})
	})
}
