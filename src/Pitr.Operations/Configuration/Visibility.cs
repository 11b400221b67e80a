using System.Runtime.CompilerServices;

[assembly: InternalsVisibleTo("Pitr.Operations.Tests")]
