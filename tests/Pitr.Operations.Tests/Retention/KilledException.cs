namespace Pitr.Operations.Tests.Retention;

sealed class KilledException() : Exception("the process was killed by the test");
