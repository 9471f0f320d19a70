// The same, with the builds that bundles hold only on request.
import 'gradloom/threads';
import 'gradloom/relaxed';
import './app.mjs';
