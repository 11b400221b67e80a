namespace Pitr.Operations.Services;

sealed record LeaseDocument(string Owner, string HostId, string Host, int Process, DateTimeOffset Expires);
