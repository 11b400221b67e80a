System.Console.Error.WriteLine("pitr-archive");
return 2;
