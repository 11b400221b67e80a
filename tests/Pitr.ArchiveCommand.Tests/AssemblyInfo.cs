// A script that one test has just written must not be open for writing in the child that another test is starting: ETXTBSY.
[assembly: CollectionBehavior(DisableTestParallelization = true)]

