package functions

import "testing"

func TestRuntimeWords(t *testing.T) {
	for runtime, want := range map[string]string{
		"nodejs22.x": "NODEJS_22_X", "python3.9": "PYTHON_3_9", "python3.13": "PYTHON_3_13", "java8": "JAVA_8", "java8.al2": "JAVA_8_AL2",
		"java21": "JAVA_21", "go1.x": "GO_1_X", "dotnet6": "DOTNET_6", "ruby2.7": "RUBY_2_7", "provided.al2023": "PROVIDED_AL2023",
		"nodejs10.x": "UNSUPPORTED", "provided": "UNSUPPORTED", "python2.7": "UNSUPPORTED", "": "UNSUPPORTED", "dotnetcore3.1": "UNSUPPORTED",
	} {
		if got := runtimeWord(runtime); got != want {
			t.Errorf("%q: %s, want %s", runtime, got, want)
		}
	}
}
